"""Zero-shot and few-shot figures on a data set: features once, kept on disk, then everything from them."""
