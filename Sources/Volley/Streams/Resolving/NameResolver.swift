public import VolleyCore

/// Finds the addresses of names, off the loop: the system's way (``SystemNameResolver``) or one of your own.
public protocol NameResolver: Sendable {
    /// Begins a look-up.
    ///
    /// - Parameters:
    ///   - query: what is looked for.
    ///   - completion: called exactly once, on any thread, and possibly before this returns: the addresses, at least one,
    ///     in the order in which they should be tried (RFC 6724); or an error of ``StreamError/Operation/resolve``,
    ///     `ECANCELED` after ``NameLookup/cancel()``.
    /// - Returns: what cancels the look-up.
    func resolve(
        _ query: NameQuery, _ completion: @escaping @Sendable (Result<[SocketAddress], StreamError>) -> Void
    ) -> NameLookup
}

/// What a ``NameResolver`` is asked for.
public struct NameQuery: Hashable, Sendable {
    /// The name, or the digits of an address; `nil` stands for this host: every address of a server that is
    /// ``isPassive``, loopback otherwise.
    public var host: String?
    /// The port the addresses are to have.
    public var port: UInt16
    /// The only family the addresses may be of; `nil` allows both.
    public var family: SocketAddress.Family?
    /// Whether the addresses are to listen on.
    public var isPassive: Bool

    /// A query.
    public init(host: String?, port: UInt16, family: SocketAddress.Family? = nil, isPassive: Bool = false) {
        self.host = host
        self.port = port
        self.family = family
        self.isPassive = isPassive
    }

    /// The answer where there is nothing to look up: the host is an address.
    var literal: SocketAddress? {
        guard let host, let address = IPAddress(host) else { return nil }
        let found = SocketAddress(address, port: port)
        return family == nil || family == found.family ? found : nil
    }
}

/// A look-up under way.
public final class NameLookup: Sendable {
    private let onCancel: @Sendable () -> Void

    /// A look-up that `onCancel` ends; it may be called at any time, on any thread, more than once.
    public init(_ onCancel: @escaping @Sendable () -> Void = {}) { self.onCancel = onCancel }

    /// Ends the look-up with `ECANCELED`, unless it has ended.
    public func cancel() { onCancel() }
}
