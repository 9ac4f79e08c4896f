"""Networks and losses. Here is chosen which Keras `tf.keras` is, Keras 2 under either of its names, and that oneDNN computes.

TensorFlow looks at the variables when it is imported, so this package comes before it: `pipelines` and the
tests import it first. Without tf_keras, on TensorFlow 2.15, the first would break `tf.keras`. Without the second a CPU
decides, and then one without AVX-512 rounds otherwise.
"""
import importlib.util
import os

os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
if importlib.util.find_spec('tf_keras') is not None:
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
