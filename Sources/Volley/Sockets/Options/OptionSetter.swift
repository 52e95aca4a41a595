internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// Sets options on one socket; whatever fails is thrown with the option's name, its value, and what to do about it.
@safe
struct OptionSetter {
    let descriptor: CInt
    let syscalls: Syscalls

    func set(_ option: SocketOption) throws(DatagramError) {
        let result = syscalls.setOption(descriptor, option.level, option.number, option.value)
        if option.isOptional, result == -Int(ENOPROTOOPT) { return }
        try check(result, option.name, "\(option.asked)", hint: Self.hint(for: option, result))
        guard case .buffer(_, let force) = option.scale else { return }
        // What root asks for is meant; anybody else is refused, and the report tells.
        if let granted = read(option), option.shown(granted) < option.asked {
            _ = syscalls.setOption(descriptor, option.level, force, option.value)
        }
    }

    func read(_ option: SocketOption) -> CInt? { System.getOption(descriptor, option.level, option.number) }

    private static func hint(for option: SocketOption, _ result: Int) -> String? {
        guard result == -Int(EPERM) else { return nil }
        switch option.name {
        case "SO_MARK", "IP_TRANSPARENT", "IPV6_TRANSPARENT": return "it takes CAP_NET_ADMIN or CAP_NET_RAW"
        default: return "it takes CAP_NET_ADMIN"
        }
    }

    // MARK: Interfaces

    /// The index of an interface; setting `option` to `value` is what fails when there is none.
    private func index(
        of interface: NetworkInterface, for option: String, _ value: String
    ) throws(DatagramError) -> UInt32 {
        if let index = interface.index { return index }
        // SAFETY: the string is ended with a zero for the call, which only reads it.
        let index = unsafe if_nametoindex(interface.name ?? "")
        if index == 0 { throw error(ENODEV, option, value, hint: Self.noSuchInterface) }
        return index
    }

    private static let noSuchInterface = "`ip link` lists the interfaces there are"

    /// Receives and sends by one interface only; returns its index.
    func bind(to interface: NetworkInterface) throws(DatagramError) -> UInt32 {
        let option = "SO_BINDTODEVICE"
        let index = try index(of: interface, for: option, "\(interface)")
        guard let name = interface.name ?? System.interfaceName(index) else {
            throw error(ENODEV, option, "\(interface)", hint: Self.noSuchInterface)
        }
        let result = unsafe Array(name.utf8).withUnsafeBytes {
            unsafe syscalls.setOptionBytes(descriptor, SOL_SOCKET, SO_BINDTODEVICE, $0)
        }
        let hint =
            switch CInt(-result) {
            case EPERM: "it takes CAP_NET_RAW"
            case ENODEV: Self.noSuchInterface
            default: String?.none
            }
        try check(result, option, "\(interface)", hint: hint)
        return index
    }

    /// Sends multicast by an interface; returns its index.
    func sendMulticast(by interface: NetworkInterface, isIPv6: Bool) throws(DatagramError) -> UInt32 {
        let option = isIPv6 ? "IPV6_MULTICAST_IF" : "IP_MULTICAST_IF"
        let index = try index(of: interface, for: option, "\(interface)")
        var request = ip_mreqn()
        request.imr_ifindex = CInt(bitPattern: index)
        // SAFETY: both calls read the one value they are given; ip_mreqn has no address of its own to point to.
        let result = unsafe withUnsafeBytes(of: &request) { bytes in
            isIPv6
                ? syscalls.setOption(descriptor, CInt(IPPROTO_IPV6), IPV6_MULTICAST_IF, CInt(bitPattern: index))
                : unsafe syscalls.setOptionBytes(descriptor, CInt(IPPROTO_IP), IP_MULTICAST_IF, bytes)
        }
        try check(result, option, "\(interface)", hint: nil)
        return index
    }

    // MARK: Groups

    /// Joins or leaves a group, at the level of the group's family: an IPv6 socket takes both.
    func change(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        let option = membership.optionName(isJoining: isJoining)
        var request = group_source_req()
        if let interface = membership.interface {
            request.gsr_interface = try index(of: interface, for: option, "\(membership)")
        }
        Self.copy(membership.group, into: &request.gsr_group)
        if let source = membership.source { Self.copy(source, into: &request.gsr_source) }
        // group_req is the beginning of group_source_req.
        let size = membership.source == nil ? MemoryLayout<group_req>.size : MemoryLayout<group_source_req>.size
        let number =
            switch (isJoining, membership.source == nil) {
            case (true, true): MCAST_JOIN_GROUP
            case (true, false): MCAST_JOIN_SOURCE_GROUP
            case (false, true): MCAST_LEAVE_GROUP
            case (false, false): MCAST_LEAVE_SOURCE_GROUP
            }
        let level = CInt(membership.group.isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP)
        // SAFETY: the bytes are those of `request`, of which `size` is the beginning.
        let result = unsafe withUnsafeBytes(of: &request) {
            unsafe syscalls.setOptionBytes(descriptor, level, number, UnsafeRawBufferPointer(rebasing: $0[..<size]))
        }
        try check(result, option, "\(membership)", hint: Self.hint(for: membership, result))
    }

    private static func copy(_ address: IPAddress, into storage: inout sockaddr_storage) {
        // SAFETY: sockaddr_storage is larger than any address, and any bytes are one.
        unsafe SocketAddress(address, port: 0).withKernelBytes { bytes in
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyBytes(from: bytes) }
        }
    }

    private static func hint(for membership: MulticastMembership, _ result: Int) -> String? {
        switch CInt(-result) {
        case ENODEV where membership.interface == nil: "there is no route to the group: name an interface"
        case ENODEV: noSuchInterface
        case ENOBUFS where !membership.group.isIPv6:
            membership.source == nil
                ? "net.ipv4.igmp_max_memberships is the limit" : "net.ipv4.igmp_max_msf is the limit"
        case ENOBUFS: "net.ipv6.mld_max_msf is the limit"
        default: nil
        }
    }

    // MARK: Errors

    private func check(_ result: Int, _ option: String, _ value: String, hint: String?) throws(DatagramError) {
        guard result < 0 else { return }
        throw error(CInt(truncatingIfNeeded: -result), option, value, hint: hint)
    }

    private func error(_ number: CInt, _ option: String, _ value: String, hint: String?) -> DatagramError {
        DatagramError(
            Errno(rawValue: number), operation: .configure,
            option: DatagramError.Option(option, value: value, hint: hint))
    }
}
