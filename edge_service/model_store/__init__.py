"""The models of this box: staged, verified, activated, rolled back."""
