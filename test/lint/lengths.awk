# A file has at most 500 lines, a line at most 100 columns. Bytes that continue a UTF-8 character
# are not columns.
FNR == 1 { too_long = 0 }
{
    text = $0
    gsub(/[\200-\277]/, "", text)
    if (length(text) > 100) print FILENAME ":" FNR ": " length(text) " columns, at most 100"
}
FNR == 501 { print FILENAME ":501: more than 500 lines" }
