"""Pages about the database, by Datasette: a stage of the Dockerfile, no part of the program."""
