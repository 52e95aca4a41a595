internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The sockets of a group, one a shard, bound to one address and steered, but refusing datagrams until all is ready.
///
/// The index a steering program ends with is a socket's place in the kernel's group. The kernel gives places in the
/// order of the binds, and when a socket goes, the last one gets its place. So this object keeps a descriptor of its
/// own for every socket, and the endpoint has a second one: a shard's place is its own until the whole group ends,
/// whoever closes what, and leaving is a matter of the program alone.
final class ShardSockets: Sendable {
    /// The address all of them are bound to, with the port the kernel chose.
    let address: SocketAddress
    /// What became of the options of the first one, which are those of all.
    let report: SocketReport
    private let sockets: [Socket]

    private final class Socket: Sendable {
        let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    /// Opens the sockets.
    ///
    /// The first one binds *without* `SO_REUSEPORT`, which fails when anybody else has the address, and only then
    /// allows others to share it. Whoever slips in before the last one is bound (that takes the same user and
    /// `SO_REUSEPORT`) would have got one of our places: ``ForeignMembers`` finds them afterwards. Later ones do no
    /// harm, since the program never chooses them.
    init(
        _ count: Int, at address: SocketAddress, _ options: DatagramOptions, syscalls: Syscalls
    ) throws(DatagramError) {
        var (sockets, bound, report) = ([Socket](), address, SocketReport(options: []))
        for index in 0..<count {
            let socket = try DatagramSocket(try Self.addressing(of: address), syscalls: syscalls)
            var own = options
            own.reusesPort = options.reusesPort || index > 0
            // A datagram for a group comes to every socket that has joined it: the first one takes them all.
            if index > 0, !own.multicast.memberships.isEmpty {
                own.multicast.memberships = []
                own.multicast.receivesUnjoinedGroups = false
            }
            let applied = try socket.apply(own)
            if index == 0 { report = applied }
            // One alone has nobody to wait for.
            if count > 1 { try System.refuseDatagrams(socket.descriptor) }
            try socket.bind(to: bound)
            if index == 0 {
                bound = socket.names().local ?? address
                if count > 1 && !options.reusesPort { try socket.turnOn("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT) }
            }
            sockets.append(Socket(OwnedDescriptor(socket.release())))
        }
        self.sockets = sockets
        self.address = bound
        self.report = report
        if count > 1, !options.reusesPort, ForeignMembers.exist(beside: sockets.map { $0.descriptor.rawValue }) {
            throw DatagramError(.addressInUse, operation: .bind, peer: bound)
        }
    }

    var count: Int { sockets.count }

    /// Makes the group follow `program`.
    func steer(by program: SteeringProgram) throws(DatagramError) {
        try System.attachSteering(program, to: sockets[0].descriptor.rawValue)
    }

    /// A second descriptor of a shard's socket.
    func duplicate(_ index: Int) throws(DatagramError) -> CInt {
        try System.duplicate(sockets[index].descriptor.rawValue)
    }

    /// Lets datagrams in, now that every shard is ready for them.
    func acceptDatagrams() throws(DatagramError) {
        guard count > 1 else { return }
        for socket in sockets { try System.acceptDatagrams(socket.descriptor.rawValue) }
    }

    private static func addressing(of address: SocketAddress) throws(DatagramError) -> SocketAddressing {
        switch address.family {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        default: throw DatagramError(.addressFamilyNotSupported, operation: .create, peer: address)
        }
    }
}
