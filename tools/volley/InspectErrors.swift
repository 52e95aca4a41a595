import VolleyCore
import VolleyWire

/// The lines of `volley inspect --errors`, printed as they come, a few hundred at a time.
///
/// A class, since the closure that adds to it is kept by a reader.
final class ErrorLines {
    private var lines: [String] = []
    private var failure: (any Error)?

    /// Adds the line of one error.
    func add(record: Int, _ error: ICMPError) {
        let errno = error.errno
        let fields = [
            "\(record)", error.family == .ipv6 ? "v6" : "v4", "\(error.type)", "\(error.code)", "\(error.source.ip)",
            "\(error.source.port)", "\(error.destination.ip)", "\(error.destination.port)", errno?.name ?? "-",
            errno.map { $0.isHard ? "hard" : "soft" } ?? "ignored",
        ]
        lines.append(fields.joined(separator: "\t"))
        if lines.count == 256 { flush() }
    }

    /// Prints what is left.
    ///
    /// - Throws: the exit status if any of the lines could not be printed.
    func finish() throws {
        flush()
        if let failure { throw failure }
    }

    private func flush() {
        guard failure == nil, !lines.isEmpty else { return }
        do { try Console.print(lines) } catch { failure = error }
        lines.removeAll(keepingCapacity: true)
    }
}
