import VolleyWire

/// SHA-256 (FIPS 180-4), fed piece by piece.
///
/// It is here because the digests of a capture (``CaptureDigest``) are this module's only use of a hash: swift-crypto
/// would cost every user of the library more build time than all of the library does. It is a checksum for comparing
/// captures, and not hardened against side channels; do not use it for secrets.
struct SHA256: Sendable {
    private var state = SHA256Block.initialState
    /// The bytes of a block not yet full, as they came.
    private var pending: [UInt8] = []
    private var byteCount: UInt64 = 0

    /// The hash of nothing, so far.
    init() {
        pending.reserveCapacity(SHA256Block.byteCount)
    }

    /// Adds bytes to what is hashed.
    mutating func update(_ bytes: RawSpan) {
        byteCount &+= UInt64(bytes.byteCount)
        var offset = 0
        if !pending.isEmpty {
            offset = min(SHA256Block.byteCount - pending.count, bytes.byteCount)
            appendPending(bytes.extracting(0..<offset))
            guard pending.count == SHA256Block.byteCount else { return }
            compressPending(at: 0)
            pending.removeAll(keepingCapacity: true)
        }
        while bytes.byteCount - offset >= SHA256Block.byteCount {
            SHA256Block.compress(bytes, at: offset, into: &state)
            offset += SHA256Block.byteCount
        }
        appendPending(bytes.extracting(offset...))
    }

    /// The hash of all bytes added, in lower-case hexadecimal; more bytes may be added afterwards.
    var hexDigest: String {
        var last = self
        last.pad()
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for index in last.state.indices {
            for shift in stride(from: 24, through: 0, by: -8) {
                Hexadecimal.append(UInt8(truncatingIfNeeded: last.state[index] >> UInt32(shift)), to: &text)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func appendPending(_ bytes: RawSpan) {
        for offset in 0..<bytes.byteCount { pending.append(bytes.byte(at: offset)) }
    }

    private mutating func compressPending(at offset: Int) {
        // A copy, for the span borrows all of `self`.
        var next = state
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        unsafe SHA256Block.compress(pending.span.bytes, at: offset, into: &next)
        state = next
    }

    /// A one bit, zeros, and the length in bits as the last eight bytes of a block (FIPS 180-4, 5.1.1).
    private mutating func pad() {
        let bitCount = byteCount &* 8
        pending.append(0x80)
        while pending.count % SHA256Block.byteCount != SHA256Block.byteCount - 8 { pending.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            pending.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
        }
        for offset in stride(from: 0, to: pending.count, by: SHA256Block.byteCount) {
            compressPending(at: offset)
        }
    }
}
