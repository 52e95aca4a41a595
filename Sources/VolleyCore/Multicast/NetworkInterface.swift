/// A network interface as a user names it: by name or by index.
///
/// It is looked up when it is used, in the network namespace of whoever uses it. The C function is `if_nametoindex`.
public struct NetworkInterface: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// Its name, `nil` when it is given by index.
    public let name: String?
    /// Its index, 1 or more; `nil` when it is given by name.
    public let index: UInt32?

    /// The interface with this name, such as `eth0`.
    public init(name: String) {
        self.name = name
        index = nil
    }

    /// The interface with this index.
    public init(index: UInt32) {
        name = nil
        self.index = index
    }

    /// An interface from text: digits alone are an index (RFC 4007 section 11.2), anything else is a name.
    public init(_ text: String) {
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = UInt32(text) {
            self.init(index: index)
        } else {
            self.init(name: text)
        }
    }

    /// An interface from text; see ``init(_:)``.
    public init(stringLiteral text: String) { self.init(text) }

    /// The name, or else the index in decimal.
    public var description: String { name ?? index.map { "\($0)" } ?? "" }
}
