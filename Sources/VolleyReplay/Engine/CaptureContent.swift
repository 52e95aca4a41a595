import VolleyWire

/// What has been read of a capture, for saying why nothing of it was for the endpoint.
struct CaptureContent {
    let role: ReplayRole
    let records: RecordAccounting
    let filter: String?
    /// Whether there is more that could not be read.
    let isDamaged: Bool

    /// What was looked at: the capture, or the part of it that a filter or damage has left.
    var subject: String {
        let filtered = records[.filtered]
        if let filter, filtered > 0 {
            return "what the filter '\(filter)' lets through (\(records.total - filtered) of \(records.total) records)"
        }
        return isDamaged ? "the part of the capture that can be read" : "the capture"
    }

    /// Why nothing came of it.
    ///
    /// - Parameters:
    ///   - captured: how many datagrams the endpoint itself has sent.
    ///   - census: where the others went.
    /// - Returns: a clause.
    func reasonForNothing(captured: Int, _ census: DestinationCensus) -> String {
        let filtered = records[.filtered]
        guard records.total > 0 else { return "no record was read" }
        if filtered == records.total { return "the filter '\(filter ?? "")' refuses all of the \(filtered) records" }
        guard records[.delivered] > 0 else {
            let classes = RecordClass.all.filter { $0 != .filtered && records[$0] > 0 }
            return "\(subject) holds no datagram that can be delivered; its records are "
                + classes.map { "\($0.name) \(records[$0])" }.joined(separator: ", ")
        }
        let others = captured > 0 ? "it holds \(captured) sent by it" : census.summary(of: role)
        return "\(subject) holds no datagram for \(role); \(others)"
    }
}
