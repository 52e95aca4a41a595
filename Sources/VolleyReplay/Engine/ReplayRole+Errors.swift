internal import SystemPackage
import VolleyCore
import VolleyWire

extension ReplayRole {
    /// Whether an error is about a datagram of the local endpoint: a connected one has to have sent it to its peer.
    func isConcerned(by error: ICMPError) -> Bool {
        isLocal(error.source) && accepts(error.destination)
    }

    /// The error as an endpoint of this role hears of it; `nil` if it does not.
    ///
    /// - Parameters:
    ///   - error: the message.
    ///   - errno: what Linux makes of it.
    ///   - reception: which endpoints read their error queue.
    ///   - quoted: the payload that it quotes.
    /// - Returns: what a live endpoint would report.
    func report(
        of error: ICMPError, _ errno: ICMPErrno, _ reception: ErrorReception, quoted: @autoclosure () -> [UInt8]
    ) -> DatagramError? {
        let number = Errno(rawValue: errno.rawValue)
        if reception.applies(whenConnected: peer != nil) {
            return DatagramError(
                number, operation: .send,
                origin: .icmp(type: error.type, code: error.code, offender: error.offender), peer: error.destination,
                info: error.info, quoted: Array(quoted().prefix(DatagramError.quotedMax)))
        }
        guard errno.isHard, let peer else { return nil }
        return DatagramError(number, operation: .receive, origin: .network, peer: peer)
    }
}
