"""A notice that is given up and sent again: a destination refuses for days, which are over in a moment here."""

from tests.torture import database
from tests.torture.points import Kill
from tests.torture.processes import await_sight
from tests.torture.world import World

_CHANNEL = "flaky"
_LIMIT_SECONDS = 15
_COMMANDS = {"Queue.given_up": "run", "Queue.resend": "resend"}


def prepare(world: World) -> None:
    """Something waits for a destination that refuses everything, and one more failure is the last."""
    world.receivers.luck.always = False
    process = world.start()
    await_sight(lambda: database.failing(world.database, _CHANNEL))
    process.kill()
    world.over("random: at work")
    database.grow_old(world.database)


def strike(world: World, kill: Kill) -> bool:
    """First the daemon, which gives up, then the command that sends again; each kills itself at a commit."""
    world.receivers.luck.always = kill.place == "Queue.resend"
    process = world.start(_COMMANDS[kill.place], trap=(kill.place, kill.moment, "1"))
    process.await_passes(1)
    reached = process.await_end(_LIMIT_SECONDS)
    if not reached:
        process.kill()
    world.over(kill.name)
    return reached
