"""What tells our databases from others, apart from the tables: reading commands need no more than this."""

# The newest migration; a test holds it against migrations/versions.
REVISION = "0003"
# "tune" in ASCII, in the header of the file.
APPLICATION_ID = 0x74756E65
