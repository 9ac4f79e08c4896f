"""Everything between pictures and tables; see README.md."""
import models  # noqa: F401  before TensorFlow, whose Keras it chooses
