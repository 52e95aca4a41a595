import VolleyCore

/// What a capture holds beside the traffic of the local endpoint, for saying so when there was none.
struct DestinationCensus {
    /// Datagrams by destination port: 512 KiB, so that counting one is an increment.
    private var ports = [UInt64](repeating: 0, count: 65_536)
    /// Addresses met with the local endpoint's port, the first few.
    private var addresses: [IPAddress] = []
    private static let addressesMax = 4

    @inline(__always)
    mutating func count(_ destination: SocketAddress, role: ReplayRole) {
        ports[Int(destination.port)] &+= 1
        if destination.port == role.local.port { note(destination.ip) }
    }

    private mutating func note(_ address: IPAddress) {
        guard addresses.count < Self.addressesMax, !addresses.contains(address) else { return }
        addresses.append(address)
    }

    /// What the capture holds: the addresses with the right port, else the ports with most datagrams.
    func summary(of role: ReplayRole) -> String {
        guard addresses.isEmpty else {
            let list = addresses.map { "\(SocketAddress($0, port: role.local.port))" }.joined(separator: ", ")
            return "it holds datagrams to \(list)"
        }
        let top = ports.indices.filter { ports[$0] > 0 }.sorted { left, right in
            ports[left] == ports[right] ? left < right : ports[left] > ports[right]
        }
        guard !top.isEmpty else { return "it holds none for others either" }
        let list = top.prefix(5).map { "\($0) (\(ports[$0]))" }.joined(separator: ", ")
        return "the destination ports it holds most datagrams for are \(list)"
    }
}
