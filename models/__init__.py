"""Networks and losses. Here is chosen which Keras `tf.keras` is: Keras 2, under either of its names.

TensorFlow looks at the variable when it is imported, so this package comes before it: `pipelines` and the
tests import it first. Without tf_keras, on TensorFlow 2.15, the variable would break `tf.keras`.
"""
import importlib.util
import os

if importlib.util.find_spec('tf_keras') is not None:
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
