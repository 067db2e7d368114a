"""What a person looks at to believe a model."""
