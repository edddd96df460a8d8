"""What text suites share: packed token tensors, heads, clustering of sentences into pseudo-tasks."""
