# Order of the floors: a library file includes its own folder and folders to its left; examples/,
# bench/ and cli/ see only <gyre.h>, system headers and headers of their own folder. impl.h stays in
# its folder.
BEGIN {
    n = split("base loop future coro net http", floor, " ")
    for (i = 1; i <= n; i++) rank[floor[i]] = i
}
function complain(text) { print FILENAME ":" FNR ": " text }
/^[ \t]*#[ \t]*include/ {
    split(FILENAME, own, "/")
    path = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", path)
    bracket = path ~ /^</
    path = substr(path, 2)
    sub(/[>"].*/, "", path)
    parts = split(path, folder, "/")
    if (bracket) {
        if (path == "gyre.h" && own[1] in rank) complain("the library does not include <gyre.h>")
        next
    }
    if (!(own[1] in rank)) {
        if (own[1] != "test" && FILENAME != "gyre.h" && folder[1] != own[1])
            complain("\"" path "\": " own[1] "/ includes only <gyre.h> and system headers")
        next
    }
    if (parts < 2 || !(folder[1] in rank))
        complain("\"" path "\": write the path from the root, floor first")
    else if (rank[folder[1]] > rank[own[1]])
        complain("\"" path "\": " own[1] "/ must not know of " folder[1] "/")
    else if (path ~ /(^|\/)impl\.h$/ && folder[1] != own[1])
        complain("\"" path "\" is private to its folder")
}
