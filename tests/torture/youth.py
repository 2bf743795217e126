"""A daemon's first days: killed while its database is made, killed while it reads the account for the first time."""

from tests.torture import client, database
from tests.torture.facts import KILLED, STOPPED
from tests.torture.points import Kill
from tests.torture.processes import PATIENCE_SECONDS, Process, await_sight, kill_child
from tests.torture.world import World

# What the daemon says when its migrating child died, and its exit code then.
_REFUSED = "could not be brought up to date"
_FAILED = 1
# How long the making of a database takes, and the reading of seven pages.
_MIGRATION_SECONDS = 0.6
_PAGES_SECONDS = 0.4


def migration(world: World, kill: Kill) -> bool:
    """One kill while the database is made; whether it came to that. What is there afterwards is all or nothing."""
    was_empty = database.is_empty(world.database)
    reached = {"child": _kill_child, "daemon": _orphan, "both": _kill_both}.get(kill.moment, _trapped)(world, kill)
    if was_empty and reached and kill.moment in ("statement", "before", "after"):
        assert database.is_empty(world.database) == (kill.moment != "after"), "half a migration was kept"
    return reached


def _trapped(world: World, kill: Kill) -> bool:
    """Without a child: `db upgrade` and `poll` do it themselves."""
    command = "poll" if kill.moment == "statement" and kill.count % 2 else "upgrade"
    process = world.start(command, trap=("migrate", kill.moment, str(kill.count)))
    process.await_end()
    reached = process.code == KILLED
    world.over(kill.name, expected_code=KILLED if reached else STOPPED)
    return reached


def _kill_child(world: World, kill: Kill) -> bool:
    process = world.start()
    child = _migrating_child(process, kill)
    if child is None or not kill_child(child):
        return _too_late(world, process)
    if not process.await_end(PATIENCE_SECONDS) or process.code == STOPPED:
        return _too_late(world, process)
    world.over(kill.name, expected_code=_FAILED, allowed=_REFUSED)
    return True


def _orphan(world: World, kill: Kill) -> bool:
    """The child goes on by itself, and the next daemon starts beside it."""
    process = world.start()
    child = _migrating_child(process, kill)
    process.kill()
    world.over(kill.name)
    return child is not None


def _kill_both(world: World, kill: Kill) -> bool:
    process = world.start()
    child = _migrating_child(process, kill)
    process.kill()
    reached = child is not None and kill_child(child)
    world.over(kill.name)
    return reached


def _migrating_child(process: Process, kill: Kill) -> int | None:
    """The daemon's child, when it has worked for a while."""
    await_sight(lambda: bool(process.children() or process.first_pass_at) or not process.alive)
    children = process.children()
    process.await_end(kill.share * _MIGRATION_SECONDS)
    return children[0] if children else None


def _too_late(world: World, process: Process) -> bool:
    process.kill()
    world.over("random: starting")
    return False


def first_sight(world: World, kill: Kill) -> bool:
    """One kill while the account is read for the first time; whether it came to that."""
    asked = len(world.simulator.requests)
    if kill.place == "page":
        process = world.start()
        await_sight(lambda: len(world.simulator.requests) >= asked + kill.count or not process.alive)
        process.await_end(kill.share * _PAGES_SECONDS / 7)
        process.kill()
    else:
        process = world.start(trap=(kill.place, kill.moment, str(kill.count)))
        process.await_passes(1)
        if not process.await_end(1):
            process.kill()
    reached = not process.killed_from_outside or not database.saw_everything(world.database)
    world.over(f"first sight, {kill.name}" if reached else "random: first look")
    return reached


def grow_up(world: World) -> None:
    """Let the first sight come to its end; from now on every end is told. The maker starts."""
    process = world.start()
    assert process.await_passes(1), f"the first sight does not come to an end: {process.log}"
    world.maker.start()
    for job_id in world.unfinished_past():
        client.cancel(world.simulator.url, job_id)
        world.fates[job_id] = "told"
    process.await_passes(3)
    process.kill()
    world.over("random: at work")
