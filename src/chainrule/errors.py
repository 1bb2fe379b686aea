"""What chainrule raises. The command line turns each into one sentence and exit code 2."""


class ChainruleError(Exception):
    """The base of every exception that chainrule raises on purpose."""


class InputError(ChainruleError, ValueError):
    """A setting or some data is not what it must be: says what, found what, expected what."""


class ShapeError(InputError):
    """Arrays whose shapes don't fit each other: the message holds both shapes."""


class FileError(ChainruleError, OSError):
    """A file or folder that cannot be read or written, or that does not hold what it should."""


class OtherRunError(FileError):
    """A checkpoint that another run wrote: other settings, data or architecture."""


class DivergedError(ChainruleError, ArithmeticError):
    """A training whose numbers overflowed: says at which step and at which learning rate."""
