import SystemPackage

/// One line on a terminal that says how far something has got; silent where standard error is not a terminal.
final class ProgressLine {
    private let title: String
    private let total: Int64?
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var last: ContinuousClock.Instant
    private var isShown = false

    /// - Parameters:
    ///   - title: what is being done.
    ///   - total: the number of bytes in all; nil when it is not known, as with a pipe.
    init(_ title: String, total: Int64?) {
        self.title = title
        self.total = total
        start = clock.now
        last = start
    }

    /// Says that `bytes` are done, at most five times a second, and only once a second has passed.
    func update(bytes: Int64, records: Int) {
        guard isTerminal else { return }
        let now = clock.now
        guard start.duration(to: now) > .seconds(1), last.duration(to: now) > .milliseconds(200) else { return }
        last = now
        var text = "\(title): \(records.grouped) records"
        if let total, total > 0 { text += ", \(bytes * 100 / total) %" }
        let elapsed = start.duration(to: now) / .seconds(1)
        text += ", \((Double(bytes) / elapsed / 1e6).text(0)) MB/s"
        Console.show(text)
        isShown = true
    }

    /// Removes the line.
    func end() {
        if isShown { Console.show("") }
        isShown = false
    }
}

extension Console {
    /// Puts `text` in place of the present line of the terminal.
    static func show(_ text: String) {
        _ = try? FileDescriptor.standardError.writeAll("\r\u{1b}[K\(text)".utf8)
    }
}

extension BinaryInteger {
    /// The number with a comma between groups of three digits.
    var grouped: String {
        let digits = Array(String(magnitude))
        let grouped = digits.enumerated().map { index, digit in
            index > 0 && (digits.count - index) % 3 == 0 ? ",\(digit)" : "\(digit)"
        }
        return (self < 0 ? "-" : "") + grouped.joined()
    }
}
