import Volley

/// What came of an exchange.
struct Outcome: Sendable, CustomStringConvertible {
    var sent = 0
    var answered = 0
    var lost = 0
    /// Answers that match nothing in flight.
    var unexpected = 0
    var duration = Duration.zero
    var error: DatagramError?

    /// Whether every datagram came back once and unchanged.
    var isPerfect: Bool { answered == sent && unexpected == 0 && error == nil }

    /// Answers per second, rounded down.
    var rate: Int { duration > .zero ? Int(Double(answered) / (duration / .seconds(1))) : 0 }

    var description: String {
        var line = "sent \(sent), answered unchanged \(answered), lost \(lost), unexpected \(unexpected)"
        line += ": \(rate) datagrams/s"
        if let error { line += ", ended by an error: \(error)" }
        return line
    }
}
