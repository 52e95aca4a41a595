import ArgumentParser
import Glibc
import VolleyCore

/// Where a service is: an address and port, or the name of a host and a port.
struct ServiceAddress: CustomStringConvertible {
    /// As it was given.
    let description: String
    private let place: Place

    private enum Place {
        case address(SocketAddress)
        case name(String, port: UInt16)
    }

    /// From the command line: `192.0.2.1:53`, `[2001:db8::1]:53`, `localhost:53`.
    init(parsing argument: String) throws {
        description = argument
        let address: SocketAddress
        do throws(AddressError) {
            address = try SocketAddress(parsing: argument)
        } catch {
            guard let (host, port) = Self.split(argument) else {
                throw ValidationError("a service is at host:port, as localhost:53 or [::1]:53; \(error).")
            }
            place = .name(host, port: port)
            return
        }
        guard address.port != 0, !address.ip.isUnspecified else {
            throw ValidationError("\"\(argument)\" is no place to send to: it takes an address and a port.")
        }
        place = .address(address)
    }

    /// The port.
    var port: UInt16 {
        switch place {
        case .address(let address): address.port
        case .name(_, let port): port
        }
    }

    /// Host and port, if they look like the name of one (RFC 1123) and a number.
    private static func split(_ argument: String) -> (host: String, port: UInt16)? {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]), port > 0 else { return nil }
        let host = parts[0]
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
        // What has digits and dots only was meant for an address.
        guard isName, host.contains(where: \.isLetter), host.utf8.count <= 253 else { return nil }
        return (String(host), port)
    }

    /// The address: of a name the first one that the resolver gives (getaddrinfo(3)).
    func resolve() throws(NameError) -> SocketAddress {
        switch place {
        case .address(let address): return address
        case .name(let host, let port): return try Self.resolve(host, port)
        }
    }

    /// Why a name has no address.
    struct NameError: Error, CustomStringConvertible {
        let description: String
    }

    private static func resolve(_ host: String, _ port: UInt16) throws(NameError) -> SocketAddress {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        // SAFETY: the call writes `first`, a list that is freed once and not used after that.
        let code = unsafe getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else {
            let reason = unsafe String(cString: gai_strerror(code))
            throw NameError(description: "\(host): no address: \(reason)")
        }
        defer { unsafe freeaddrinfo(first) }
        var next = unsafe first
        while let entry = unsafe next {
            if let name = unsafe entry.pointee.ai_addr, let found = unsafe address(name, port) { return found }
            unsafe next = entry.pointee.ai_next
        }
        throw NameError(description: "\(host): no address: the resolver knows none of IPv4 or IPv6")
    }

    private static func address(_ name: UnsafeMutablePointer<sockaddr>, _ port: UInt16) -> SocketAddress? {
        let bytes = UnsafeRawPointer(name)
        // SAFETY: the family says which of the structures is there.
        switch unsafe CInt(name.pointee.sa_family) {
        case AF_INET:
            let number = unsafe bytes.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
            return SocketAddress(IPAddress(v4: UInt32(bigEndian: number)), port: port)
        case AF_INET6:
            let six = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
            let high = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let low = unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            return SocketAddress(
                IPAddress(v6High: UInt64(bigEndian: high), low: UInt64(bigEndian: low)), port: port,
                scope: six.sin6_scope_id)
        default:
            return nil
        }
    }
}
