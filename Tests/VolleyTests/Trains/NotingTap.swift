import VolleyCore

/// A tap that notes what it is shown.
final class NotingTap: DatagramTap, @unchecked Sendable {
    // True by the tests: each uses its own, on its one thread.
    struct Entry {
        var payload: [UInt8]
        var peer: SocketAddress
        var local: SocketAddress
        var time: WallClockTime
    }
    private(set) var received: [Entry] = []
    private(set) var sent: [Entry] = []

    func received(_ payload: RawSpan, from source: SocketAddress, to local: SocketAddress, at time: WallClockTime) {
        received.append(Entry(payload: Array(copying: payload), peer: source, local: local, time: time))
    }

    func sent(_ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime) {
        sent.append(Entry(payload: Array(copying: payload), peer: destination, local: local, time: time))
    }
}
