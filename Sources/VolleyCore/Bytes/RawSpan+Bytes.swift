extension RawSpan {
    /// The same bytes with a safe subscript, at no cost.
    @inlinable
    public var bytes: Span<UInt8> {
        @_lifetime(copy self)
        get {
            // SAFETY: every bit pattern is a UInt8, alignment 1 always holds, and the view keeps the lifetime of `self`.
            unsafe _unsafeView(as: UInt8.self)
        }
    }

    /// The bytes of `span`, at no cost: the way from `array.span` to a `RawSpan` without `unsafe`.
    ///
    /// The standard library's `Span.bytes` is marked unsafe because of padding; `UInt8` has none.
    @inlinable
    @_lifetime(copy span)
    public init(_ span: Span<UInt8>) {
        // SAFETY: no padding in UInt8; the lifetime is that of `span`.
        self = unsafe span.bytes
    }

    /// Whether both hold the same bytes.
    ///
    /// - Complexity: O(*n*), eight bytes a step; O(1) for different lengths.
    @inlinable
    public func hasSameBytes(as other: RawSpan) -> Bool {
        let count = byteCount
        guard count == other.byteCount else { return false }
        var offset = 0
        while count - offset >= 8 {
            // SAFETY: at least 8 bytes follow `offset` in both.
            let (left, right) = unsafe (
                unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self),
                other.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            )
            guard left == right else { return false }
            offset += 8
        }
        let (left, right) = (bytes, other.bytes)
        while offset < count {
            guard left[offset] == right[offset] else { return false }
            offset += 1
        }
        return true
    }
}

extension [UInt8] {
    /// A copy of the bytes.
    @inlinable
    public init(copying bytes: RawSpan) {
        self = unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: the array copies the bytes before the closure, and with it the access, ends.
            unsafe Array(buffer)
        }
    }
}

extension StaticString {
    /// The UTF-8 of the literal, alive as long as the program.
    public var rawBytes: RawSpan {
        @_lifetime(immortal)
        get {
            precondition(hasPointerRepresentation, "a StaticString made from a string literal has bytes")
            // SAFETY: a literal's bytes lie in the program's constant data: they never move and never go away.
            let span = unsafe RawSpan(_unsafeStart: utf8Start, byteCount: utf8CodeUnitCount)
            return unsafe _overrideLifetime(span, copying: RawSpan())
        }
    }
}
