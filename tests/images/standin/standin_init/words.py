"""Splits the one command line of an `up` or `down` file into words, as execline does.

Blocks (`{ … }`) belong to execline's own commands, which the stand-in does not have.
"""

from standin_init.errors import CompileError, NotProvided

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
BLANKS = " \t\r\n"
# The programs execline adds to the search path; as first word they would be run as such.
EXECLINE = frozenset(
    """
    backtick background cd define dollarat elgetopt elgetpositionals elglob eltest emptyenv envfile
    exec execline-cd execline-umask execlineb exit export export-array fdblock fdclose fdmove
    fdreserve fdswap forbacktickx foreground forstdin forx getcwd getpid heredoc homeof if ifelse
    ifte ifthenelse importas loopwhilex multidefine multisubstitute pipeline piperw posix-cd
    posix-umask redirfd runblock shift trap tryexec umask unexport wait withstdinas
    """.split()  # noqa: SIM905
)


def split_words(text: str, where: str) -> tuple[str, ...]:
    """Words of `text`; quotes and backslashes as in execline, `#` at a word's start a comment.

    Raises CompileError for an open quote and NotProvided for execline's own commands.
    """
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position] in BLANKS:
            position += 1
        elif text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        else:
            word, quoted, position = _read_word(text, position, where)
            if word in ("{", "}") and not quoted:
                raise NotProvided(f"{where}: execline blocks")
            words.append(word)
    if words and words[0] in EXECLINE:
        raise NotProvided(f"{where}: execline's {words[0]}")
    return tuple(words)


def _read_word(text: str, position: int, where: str) -> tuple[str, bool, int]:
    letters: list[str] = []
    inside = quoted = False
    while position < len(text) and (inside or text[position] not in BLANKS):
        letter = text[position]
        if letter == '"':
            inside, quoted = not inside, True
        elif letter == "\\":
            position += 1
            if position == len(text):
                raise CompileError(f"syntax error in {where}")
            letters.append(_escaped(text[position], inside))
        else:
            letters.append(letter)
        position += 1
    if inside:
        raise CompileError(f"syntax error in {where}")
    return "".join(letters), quoted, position


def _escaped(letter: str, inside: bool) -> str:
    return ESCAPES.get(letter, letter) if inside else letter
