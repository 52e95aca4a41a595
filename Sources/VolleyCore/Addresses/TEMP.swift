public struct UnixAddress: Hashable, Sendable {
    package init?(sockaddr: RawSpan) { return nil }
    package func withSockaddrBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { let a: [UInt8] = []; return unsafe a.withUnsafeBytes { unsafe body($0) } }
}
extension SocketAddress { var mappedToIPv6: SocketAddress { self } }
extension IPAddress: CustomStringConvertible { public var description: String { "" } }
extension SocketAddress: CustomStringConvertible { public var description: String { "" } }
