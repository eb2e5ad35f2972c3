# Reads the tags of ctags (--fields=+neSK): a function has at most 70 lines and 5 parameters. A
# stand-in for a function of the system (real_x, __wrap_x), or one that c-ares calls (cares_x), has
# the parameters that it must have.
BEGIN { FS = "\t" }
{
    line = end = 0
    signature = ""
    for (i = 4; i <= NF; i++) {
        if ($i ~ /^line:/) line = substr($i, 6)
        if ($i ~ /^end:/) end = substr($i, 5)
        if ($i ~ /^signature:/) signature = substr($i, 11)
    }
    where = $2 ":" line ": " $1
    if (end && end - line + 1 > 70) print where ": " (end - line + 1) " lines, at most 70"
    count = depth = 0
    for (i = 1; i <= length(signature); i++) {
        c = substr(signature, i, 1)
        if (c == "(") depth++
        else if (c == ")") depth--
        else if (c == "," && depth == 1) count++
    }
    if (count + 1 > 5 && $1 !~ /^((real|__wrap|cares)_|mmap$)/)
        print where ": " (count + 1) " parameters, at most 5"
}
