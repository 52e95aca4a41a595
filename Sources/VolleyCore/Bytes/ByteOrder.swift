/// The order in which the bytes of an integer stand in memory.
///
/// Closed by nature, hence an enum. Network protocols are ``bigEndian``, which is the default everywhere; capture files
/// come in both, known only when the file is open, so the order is a run-time value.
@frozen
public enum ByteOrder: Hashable, Sendable {
    /// Most significant byte first: network byte order.
    case bigEndian
    /// Least significant byte first.
    case littleEndian

    /// Converts between this order and the machine's; the same swap serves both directions.
    @inlinable
    func convert<Value: FixedWidthInteger>(_ value: Value) -> Value {
        self == .bigEndian ? value.bigEndian : value.littleEndian
    }
}

extension ByteOrder {
    /// The machine's own order, for structures of the kernel.
    @inlinable public static var host: ByteOrder { UInt16(1).littleEndian == 1 ? .littleEndian : .bigEndian }
}
