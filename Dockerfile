# The tools with all that they need, for clusters and for whoever installs nothing. From a clone:
#   docker build -t multi-stage-synthesis .
#   docker run --rm --user "$(id -u)" -v /my/data:/data multi-stage-synthesis tools/run_experiment.py \
#       --config pipelines/configs/demo.yaml --workdir /data/runs/demo
# With a GPU: docker build --build-arg LOCKS="cpu cuda" ... and docker run --gpus all ...; with DICOM and ONNX: LOCKS="cpu
# extras". For Apptainer see tools/apptainer.def. Its steps are run one by one and it is linted by the tests; that it
# builds is not tested here, for there is no daemon.
FROM python:3.11-slim-bookworm

ARG LOCKS="cpu"
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 PYTHONUNBUFFERED=1 HOME=/tmp

WORKDIR /opt/multi-stage-synthesis
# first what changes seldom; no compiler and no library of the system is needed
COPY tools/locks tools/locks
RUN for lock in $LOCKS; do cat "tools/locks/$lock.txt"; done > /tmp/lock.txt \
    && python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement /tmp/lock.txt \
    && rm /tmp/lock.txt
COPY datasets datasets
COPY models models
COPY pipelines pipelines
COPY tools tools
COPY LICENSE README.md CITATION.cff ./

# a number, which clusters can check; nothing is written beside the code
USER 1000
VOLUME /data
ENTRYPOINT ["python"]
CMD ["tools/run_experiment.py", "--help"]
