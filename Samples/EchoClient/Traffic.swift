import Volley

/// The datagrams of an exchange: of several sizes, and each unlike those sent shortly before and after it.
struct Traffic {
    /// From nothing at all to what fits an Ethernet frame.
    static let sizes = [64, 0, 512, 1, 1400, 16, 128, 256]

    private let pattern: [UInt8]

    init() {
        // Numbers from a linear congruential generator: the same in every run, and without a period this short.
        var state: UInt32 = 1
        pattern = (0..<8192).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }

    /// Lends the bytes of datagram `number` to `body`.
    func withDatagram<Result>(_ number: Int, _ body: (RawSpan) -> Result) -> Result {
        let size = Self.sizes[number % Self.sizes.count]
        let start = number % (pattern.count - 1400)
        return body(RawSpan(pattern.span).extracting(start..<start + size))
    }

    /// Whether `payload` is what datagram `number` holds.
    func `is`(_ number: Int, equalTo payload: RawSpan) -> Bool {
        withDatagram(number) { $0.hasSameBytes(as: payload) }
    }
}
