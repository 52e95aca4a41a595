/// The address of a Unix domain socket: a path, a name in Linux's abstract name space, or none (unix(7)).
///
/// A trivial value of 110 bytes without heap storage, so that naming the sender of a datagram allocates nothing. Names
/// are bytes, not text: the kernel compares them as such and demands no encoding.
public struct UnixAddress: Sendable, BitwiseCopyable {
    /// The name: the bytes of the path without terminator, or of the abstract name without the NUL before it.
    @usableFromInline var storage: InlineArray<108, UInt8>
    @usableFromInline var count: UInt8
    @usableFromInline var kind: Kind

    @usableFromInline
    enum Kind: UInt8, Hashable, Sendable, BitwiseCopyable {
        case unnamed, path, abstract
    }

    /// The most bytes of a path or abstract name: `sun_path` less one for the NUL behind or before it.
    public static var maximumNameCount: Int { 107 }

    /// The address of a socket that is bound to no name; its peer cannot reply.
    public static var unnamed: UnixAddress { UnixAddress(.unnamed, RawSpan().bytes) }

    /// The socket at `path`: 1...107 bytes of UTF-8 without NUL.
    public init(path: String) throws(AddressError) {
        try self.init(path: path.utf8Span.span, text: path)
    }

    /// The socket at `path`: 1...107 bytes of any encoding without NUL.
    public init(path: Span<UInt8>) throws(AddressError) {
        try self.init(path: path, text: "")
    }

    /// The socket with `name` in the abstract name space: at most 107 bytes of UTF-8.
    ///
    /// NUL has no meaning there.
    public init(abstract name: String) throws(AddressError) {
        try self.init(abstract: name.utf8Span.span, text: name)
    }

    /// The socket with `name` in the abstract name space: at most 107 bytes, any of them.
    public init(abstract name: Span<UInt8>) throws(AddressError) {
        try self.init(abstract: name, text: "")
    }

    /// Whether the socket is bound to no name.
    public var isUnnamed: Bool { kind == .unnamed }

    /// Whether the socket is bound to a path of the file system.
    public var isPath: Bool { kind == .path }

    /// Whether the socket is bound to a name of the abstract name space.
    public var isAbstract: Bool { kind == .abstract }

    /// The bytes of the path or the abstract name, without NUL behind or before; empty when unnamed.
    public var name: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { storage.span.extracting(0..<Int(count)) }
    }

    /// The path as text; `nil` for an address without path, or with one that is not UTF-8: see ``name`` for its bytes.
    public var path: String? {
        guard isPath, let text = try? UTF8Span(validating: name) else { return nil }
        return String(copying: text)
    }

    private init(path: Span<UInt8>, text: String) throws(AddressError) {
        guard !path.isEmpty else { throw AddressError(.emptyName, text: text, offset: 0) }
        for index in path.indices where path[index] == 0 {
            throw AddressError(.nulInPath, text: text, offset: index)
        }
        guard path.count <= Self.maximumNameCount else {
            throw AddressError(.nameTooLong, text: text, offset: path.count)
        }
        self.init(.path, path)
    }

    private init(abstract name: Span<UInt8>, text: String) throws(AddressError) {
        guard name.count <= Self.maximumNameCount else {
            throw AddressError(.nameTooLong, text: text, offset: name.count)
        }
        self.init(.abstract, name)
    }

    /// The address as it is; `name` has at most 108 bytes.
    init(_ kind: Kind, _ name: Span<UInt8>) {
        self.kind = kind
        self.count = UInt8(name.count)
        self.storage = InlineArray(repeating: 0)
        for index in name.indices { storage[index] = name[index] }
    }
}

extension UnixAddress: Hashable {
    /// Whether both are of one kind and have the same name, byte for byte.
    public static func == (left: UnixAddress, right: UnixAddress) -> Bool {
        left.kind == right.kind && RawSpan(left.name).hasSameBytes(as: RawSpan(right.name))
    }

    /// Feeds kind and name into `hasher`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(count)
        var reader = ByteReader(name)
        while let word = try? reader.readUInt64() { hasher.combine(word) }
        while let byte = try? reader.readUInt8() { hasher.combine(byte) }
    }
}

extension UnixAddress: CustomStringConvertible {
    /// `unix:/run/x.sock`, `unix:@abstract` or `unix:(unnamed)`.
    ///
    /// A name that is not plain text (invalid UTF-8 or control characters) is shown with `\xNN` for every byte outside
    /// of printable ASCII and for the backslash; a relative path that begins with `@` is shown behind `./`.
    public var description: String {
        switch kind {
        case .unnamed: return "unix:(unnamed)"
        case .abstract: return "unix:@" + nameText
        case .path: return (name[0] == UInt8(ascii: "@") ? "unix:./" : "unix:") + nameText
        }
    }

    private var nameText: String {
        let name = name
        if let text = try? UTF8Span(validating: name) {
            let string = String(copying: text)
            if !string.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) { return string }
        }
        var escaped = ""
        for index in name.indices {
            let byte = name[index]
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "\\") {
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                escaped += byte < 0x10 ? "\\x0" : "\\x"
                escaped += String(byte, radix: 16)
            }
        }
        return escaped
    }
}
