"""What is expected of each table, one function per suite."""
