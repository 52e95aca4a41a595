public import VolleyCore

/// How a live endpoint meets the network devices; what is `nil` or false is left as the system has it.
public struct DeviceOptions: Sendable {
    /// The only interface to receive and send by (`SO_BINDTODEVICE`).
    ///
    /// On a wildcard bind it is a second address, in effect: several endpoints may share a port on different interfaces.
    /// Before Linux 5.7 it takes `CAP_NET_RAW`.
    public var interface: NetworkInterface?

    /// How long a receive that finds nothing polls the device before it sleeps (`SO_BUSY_POLL`), in whole microseconds;
    /// takes `CAP_NET_ADMIN` to raise.
    ///
    /// It trades processor time for latency, on devices whose driver can be polled; an epoll wait polls when the sysctl
    /// `net.core.busy_poll` says so.
    public var busyPoll: Duration?

    /// Whether busy polling keeps the device's interrupts off (`SO_PREFER_BUSY_POLL`, Linux 5.11); takes
    /// `CAP_NET_ADMIN`.
    public var prefersBusyPoll = false

    /// The queueing priority of everything sent (`SO_PRIORITY`): 0…6, beyond with `CAP_NET_ADMIN`.
    public var priority: UInt32?

    /// The firewall mark of everything sent (`SO_MARK`), for policy routing and filters; takes `CAP_NET_ADMIN` or
    /// `CAP_NET_RAW`.
    public var mark: UInt32?

    /// The defaults: nothing set on the socket.
    public init() {}
}
