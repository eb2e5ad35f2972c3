# Public headers: every function, and every macro that is used like one (gyre_x(...)), has a comment
# directly above that says "Blocks:" and "Thread:"; no function is declared twice.
#
# A macro may be defined for C and for C++; one of the definitions is commented, and only lines of
# the preprocessor may stand between it and the comment.
function complain(line, text) { print FILENAME ":" line ": " text }
function documented() { return comment ~ /Blocks:/ && comment ~ /Thread:/ }
function macro_name(text) {
    sub(/^#define[ \t]+/, "", text)
    sub(/\(.*/, "", text)
    return text
}
function finish(text, line,    name) {
    if (text ~ /^(typedef|extern|enum|struct [a-z_0-9]+( \{|;)|union [a-z_0-9]+( \{|;))/) return
    if (!match(text, /gyre_[a-z0-9_]+\(/)) return
    name = substr(text, RSTART, RLENGTH - 1)
    if (name ~ /^gyre__/) return
    if (!documented()) complain(line, name ": comment lacks \"Blocks:\" or \"Thread:\"")
    if (name in seen) complain(line, name ": also declared at " seen[name])
    seen[name] = FILENAME ":" line
}
FNR == 1 { comment = statement = ""; depth = 0; continued = 0 }
# The rest of a macro.
continued { continued = /\\$/; next }
/^[ \t]*\/\// && statement == "" { comment = comment "\n" $0; next }
/^[ \t]*$/ && statement == "" { comment = ""; next }
/^#/ {
    if (/^#define gyre_[a-z0-9][a-z0-9_]*\(/) {
        name = macro_name($0)
        if (documented()) good[name] = 1
        else if (!(name in first)) first[name] = FILENAME ":" FNR
        comment = ""
    } else if (/^#define/) comment = ""
    continued = /\\$/
    next
}
/^GYRE_EXTERN_C_(BEGIN|END)$/ || /^extern "C" \{$/ || (/^\}$/ && depth == 0) {
    comment = ""
    next
}
{
    text = $0
    sub(/[ \t]*\/\/.*/, "", text)
    if (statement == "") { sub(/^[ \t]+/, "", text); began = FNR }
    if (text == "") next
    statement = statement (statement == "" ? "" : " ") text
    opened = gsub(/\{/, "{", text)
    closed = gsub(/\}/, "}", text)
    depth += opened - closed
    # A declaration ends with a semicolon, a body with its brace.
    if (depth == 0 && (text ~ /;[ \t]*$/ || text ~ /\}[ \t]*$/ || /^[A-Z_]+\(.*\)$/)) {
        finish(statement, began)
        statement = comment = ""
    }
}
END {
    for (name in first)
        if (!(name in good))
            print first[name] ": " name ": macro without \"Blocks:\" or \"Thread:\""
}
