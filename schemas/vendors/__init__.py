"""Interface files of vendors that both an adapter and its simulator need; they import nothing of ours."""
