# Checks that each line is one JSON text (RFC 8259) and prints its leaves, one a line:
#
#     LINE.path.to[0] type value
#
# Types: string number true false null, and "object", "array" for empty ones. Exit status 1 at the
# first line that is none. Run it with LC_ALL=C.
function die(what) {
    printf "line %d, byte %d: %s: %s\n", NR, at, what, substr(text, at, 40) >"/dev/stderr"
    bad = 1
    exit 1
}
function next_char() {
    while ((c = substr(text, at, 1)) ~ /[ \t\r\n]/ && c != "") at++
    return c
}
function take(wanted) {
    if (next_char() != wanted) die("no " wanted)
    at++
}
function string(    from) {
    take("\"")
    from = at
    for (;;) {
        c = substr(text, at, 1)
        if (c == "") die("no end of a string")
        if (c == "\"") break
        if (c < " ") die("control byte in a string")
        if (c == "\\") {
            if (substr(text, at, 6) ~ /^\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]/) at += 5
            else if (substr(text, at + 1, 1) ~ /["\\\/bfnrt]/) at++
            else die("bad escape")
        }
        at++
    }
    at++
    return substr(text, from, at - 1 - from)
}
function leaf(path, type, value) { print path " " type (value != "" ? " " value : "") }
function object(path,    name, first) {
    take("{")
    if (next_char() == "}") { at++; leaf(path, "object"); return }
    for (first = 1; first || next_char() == ","; first = 0) {
        if (!first) at++
        next_char()
        name = string()
        if ((NR, path, name) in seen) die("name " name " twice")
        seen[NR, path, name] = 1
        take(":")
        value(path "." name)
    }
    take("}")
}
function array(path,    count) {
    take("[")
    if (next_char() == "]") { at++; leaf(path, "array"); return }
    for (count = 0; count == 0 || next_char() == ","; count++) {
        if (count) at++
        value(path "[" count "]")
    }
    take("]")
}
function value(path,    rest) {
    c = next_char()
    if (c == "{") { object(path); return }
    if (c == "[") { array(path); return }
    if (c == "\"") { leaf(path, "string", string()); return }
    rest = substr(text, at, 64)
    if (match(rest, /^(true|false|null)/)) leaf(path, substr(rest, 1, RLENGTH))
    else if (match(rest, /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/))
        leaf(path, "number", substr(rest, 1, RLENGTH))
    else die("no value")
    at += RLENGTH
}
{
    text = $0
    at = 1
    value(NR)
    if (next_char() != "") die("more than one value")
}
END { exit bad }
