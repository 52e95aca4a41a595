internal import CVolley
internal import Glibc
internal import VolleyCore

extension DatagramSocket {
    /// Sets what `options` ask for, before the socket is bound, and says what became of it.
    func apply(_ options: DatagramOptions) throws(DatagramError) -> SocketReport {
        let setter = OptionSetter(descriptor: descriptor, syscalls: syscalls)
        let isDualStack = addressing == .ipv6 && !(options.isIPv6Only ?? isIPv6Only)
        let numbers = options.socketOptions(for: addressing, isDualStack: isDualStack)
        for option in numbers { try setter.set(option) }
        var interfaces: [SocketReport.Option] = []
        if let interface = options.device.interface {
            let index = Int(try setter.bind(to: interface))
            let granted = System.getOption(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX).map(Int.init)
            interfaces.append(
                SocketReport.Option(name: "SO_BINDTODEVICE", asked: index, granted: granted, advice: nil))
        }
        if let interface = options.multicast.interface {
            if addressing == .ipv6 {
                let index = Int(try setter.sendMulticast(by: interface, isIPv6: true))
                let granted = System.getOption(descriptor, CInt(IPPROTO_IPV6), IPV6_MULTICAST_IF).map(Int.init)
                interfaces.append(
                    SocketReport.Option(name: "IPV6_MULTICAST_IF", asked: index, granted: granted, advice: nil))
            }
            if addressing != .ipv6 || isDualStack {
                // The kernel tells an address of this one, never the index.
                let index = Int(try setter.sendMulticast(by: interface, isIPv6: false))
                interfaces.append(
                    SocketReport.Option(name: "IP_MULTICAST_IF", asked: index, granted: nil, advice: nil))
            }
        }
        for membership in options.multicast.memberships {
            try membership.check(for: addressing, isJoining: true)
            try setter.change(membership, isJoining: true)
        }
        return SocketReport(options: numbers.map { $0.reported(setter.read($0)) } + interfaces)
    }

    private var isIPv6Only: Bool { System.getOption(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY) == 1 }
}
