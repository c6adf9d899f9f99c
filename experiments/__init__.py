"""What is run once and not by the application: the paper's tables, and the making of what is bundled."""
