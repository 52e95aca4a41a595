/// The names of a stream's two ends, small for the many connections that have IP addresses.
package struct StreamNames: Sendable {
    package var local: SocketAddress?
    package var remote: SocketAddress?
    private var unix: UnixNames?

    /// No names: pipes.
    package init() {}

    /// IP addresses.
    package init(local: SocketAddress?, remote: SocketAddress?) {
        self.local = local
        self.remote = remote
    }

    /// Unix addresses.
    package init(unixLocal: UnixAddress?, unixRemote: UnixAddress?) {
        unix = UnixNames(unixLocal, unixRemote)
    }

    package var unixLocal: UnixAddress? { unix?.local }
    package var unixRemote: UnixAddress? { unix?.remote }

    /// Unix addresses are long: in a place of their own.
    private final class UnixNames: Sendable {
        let local: UnixAddress?
        let remote: UnixAddress?

        init(_ local: UnixAddress?, _ remote: UnixAddress?) {
            self.local = local
            self.remote = remote
        }
    }
}
