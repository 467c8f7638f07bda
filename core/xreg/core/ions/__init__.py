"""The model of a 3d ion in a crystal field, and what its generators share."""
