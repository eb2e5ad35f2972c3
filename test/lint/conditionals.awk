# Conditional compilation stays in base/, in the backends and where the machine shows through.
# Everywhere a header may ask for C++, and "#ifndef X" with "#define X" right below it is fine: that
# is a header's guard, or the default of what the Makefile defines.
function complain() {
    if (pending) print pending ": conditional compilation outside base/ and the backends"
    pending = ""
}
FNR == 1 {
    complain()
    allowed = FILENAME ~ /^base\// ||
              FILENAME ~ /^loop\/(epoll|poll|kqueue|backends|process|clock)\.c$/ ||
              FILENAME ~ /^coro\/(switch_[a-z0-9_]*\.[cS]|annotate\.h|stack\.c)$/ ||
              FILENAME ~ /^(net\/tls|http\/scan)[a-z0-9_]*\.[ch]$/
}
pending {
    if ($0 ~ /^#define/ && $2 == tested) pending = ""
    complain()
}
!allowed && !/__cplusplus/ && /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)([^a-z]|$)/ {
    pending = FILENAME ":" FNR
    tested = $1 == "#ifndef" ? $2 : ""
}
END { complain() }
