import VolleyCore

/// A send buffer that empties at a given rate: what makes sends block.
struct SlowLink {
    private let rate: Double
    private let bufferSize: Int
    /// When everything taken so far has left.
    private var freeTime: Int64 = 0

    /// - Parameters:
    ///   - rate: bytes a second.
    ///   - bufferSize: bytes that may wait.
    init(rate: Int, bufferSize: Int) {
        self.rate = Double(max(1, rate))
        self.bufferSize = max(0, bufferSize)
    }

    /// Takes a packet; `false` if there is no room.
    ///
    /// An empty buffer takes any, as the kernel's does.
    mutating func take(_ length: Int, at now: Int64) -> Bool {
        let waiting = max(0, freeTime - now)
        guard waiting == 0 || bytes(in: waiting) + Double(length) <= Double(bufferSize) else { return false }
        freeTime = max(freeTime, now).addingClamped(duration(of: length))
        return true
    }

    /// When half of the buffer is free, which is when the kernel says that a socket is writable again.
    var writableTime: Int64 { freeTime - duration(of: bufferSize / 2) }

    /// When `queued` more bytes of payload, with whatever headers they need, have left.
    func time(toSend queued: Int, at now: Int64) -> Int64 {
        // No packet of the queue counts for less than 8 bytes there, or has more than 48 of headers.
        max(freeTime, now).addingClamped(duration(of: queued)).addingClamped(duration(of: queued / 8 * 48))
    }

    private func bytes(in nanoseconds: Int64) -> Double { Double(nanoseconds) * rate / 1e9 }
    private func duration(of length: Int) -> Int64 {
        Int64(exactly: (Double(length) * 1e9 / rate).rounded(.up)) ?? .max
    }
}
