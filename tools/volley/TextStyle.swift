import Glibc

/// The characters reports are drawn with: those of Unicode where the locale takes them (locale(7)), ASCII elsewhere.
struct TextStyle {
    /// A space and levels that rise.
    let levels: [Character]
    let forward: String
    let backward: String

    static let unicode = TextStyle(levels: Array(" ▁▂▃▄▅▆▇█"), forward: "→", backward: "←")
    static let ascii = TextStyle(levels: Array(" .:-=+*#@"), forward: "->", backward: "<-")

    /// The style of the environment: the first of these variables that is not empty decides.
    static var current: TextStyle {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            // SAFETY: nothing changes the environment of this program, and the string is copied at once.
            let value = unsafe getenv(name).map { unsafe String(cString: $0) } ?? ""
            if !value.isEmpty { return isUnicode(locale: value) ? unicode : ascii }
        }
        return ascii
    }

    /// Whether a locale's name, `de_DE.UTF-8`, says that its characters are Unicode's.
    static func isUnicode(locale: String) -> Bool {
        let name = locale.lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }

    /// Columns as high as their values, in several lines, the highest first; no value above zero is invisible.
    func chart(_ values: [Int], rows: Int) -> [String] {
        let most = values.max() ?? 0
        guard most > 0 else { return [] }
        let steps = levels.count - 1
        let heights = values.map { value in
            value == 0 ? 0 : max(1, Int((Double(value) / Double(most) * Double(rows * steps)).rounded()))
        }
        return (0..<rows).reversed().map { row in
            String(heights.map { levels[max(0, min(steps, $0 - row * steps))] }).trimmingTrailingSpaces
        }
    }

    /// A bar of up to `width` characters for a part of a whole.
    func bar(_ part: Int, of whole: Int, width: Int) -> String {
        guard whole > 0, part > 0 else { return "" }
        let length = max(1, Int((Double(part) / Double(whole) * Double(width)).rounded()))
        return String(repeating: levels == Self.ascii.levels ? "#" : "█", count: min(width, length))
    }
}

/// How many hundredths, to a tenth: `12.3 %`.
func percentText(_ part: Int, of whole: Int) -> String {
    whole > 0 ? "\((Double(part) / Double(whole) * 100).text(1)) %" : "-"
}

/// A number with three digits and a prefix of the SI: `2.62 G`.
func scaledText(_ value: Double) -> String {
    var (value, prefixes) = (value, ["", " k", " M", " G", " T", " P"][...])
    while value >= 999.5, prefixes.count > 1 {
        value /= 1_000
        prefixes.removeFirst()
    }
    return shortText(value) + (prefixes.first ?? "")
}

/// A length of time with three digits or so: `350 ms`, `1.5 s`, `12,345 s`.
func durationText(_ seconds: Double) -> String {
    if seconds <= 0 { return "0 s" }
    for (unit, size) in [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)] where seconds < size * 999.5 {
        return shortText(seconds / size) + " " + unit
    }
    return seconds < 999.5 ? shortText(seconds) + " s" : "\(Int(min(seconds, 1e15)).grouped) s"
}

/// Two decimals at most, fewer for larger numbers, and no zeros at their end.
func shortText(_ value: Double) -> String {
    var text = value.text(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
    guard text.contains(".") else { return text }
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
}

/// Rows with their columns under each other; those named are right-aligned.
func table(_ rows: [[String]], right: Set<Int> = []) -> [String] {
    guard let columns = rows.first?.count else { return [] }
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        let cells = row.indices.map { column in
            let padding = String(repeating: " ", count: widths[column] - row[column].count)
            return right.contains(column) ? padding + row[column] : row[column] + padding
        }
        return "  " + cells.joined(separator: "  ").trimmingTrailingSpaces
    }
}

extension String {
    /// Without the blanks at its end.
    var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
