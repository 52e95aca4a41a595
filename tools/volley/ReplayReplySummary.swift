import VolleyReplay

/// How replies compare with the captured ones, of every kind of replay.
struct ReplySummary: Encodable {
    let identical, equalUnderMask, different, missing, extra, lostByFaults, late, withoutKey, evicted: Int
    let latenessMaxSeconds: Double
    let differences: [String]
    /// For each of the differences, rows of a hexadecimal dump and what a codec says.
    let details: [[String]]

    init(_ comparison: ReplyComparison) {
        identical = comparison.identical
        equalUnderMask = comparison.equalUnderMask
        different = comparison.different
        missing = comparison.missing
        extra = comparison.extra
        lostByFaults = comparison.lostByFaults
        late = comparison.late
        withoutKey = comparison.withoutKey
        evicted = comparison.evicted
        latenessMaxSeconds = comparison.latenessMax / .seconds(1)
        differences = comparison.differences.map { "\($0)" }
        details = comparison.differences.map { $0.hexadecimalDiff + $0.details }
    }

    /// The same for a person.
    var lines: [String] {
        var text = "replies: \(identical.grouped) identical, "
        if equalUnderMask > 0 { text += "\(equalUnderMask.grouped) equal under the mask, " }
        text += "\(different.grouped) different, \(missing.grouped) missing, \(extra.grouped) extra"
        if lostByFaults > 0 { text += ", \(lostByFaults.grouped) not expected (lost by faults)" }
        if late > 0 { text += ", \(late.grouped) late by up to \(latenessMaxSeconds.text(6)) s" }
        if evicted > 0 { text += ", \(evicted.grouped) not compared for want of memory" }
        return [text] + zip(differences, details).flatMap { line, details in [line] + details.map { "    \($0)" } }
    }
}
