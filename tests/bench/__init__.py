"""`make bench`: each app beside the best alternative in the same run; JSON and tables."""
