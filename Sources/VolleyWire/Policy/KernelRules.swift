internal import VolleyCore

/// What Linux refuses of whole packets, as far as their bytes tell (`ip_rcv`, `ip_route_input_slow`, `ip6_rcv_core`,
/// `ip6_parse_tlv`, `ipv6_rthdr_rcv`), with the defaults of a host.
struct KernelRules {
    let isLoopbackDevice: Bool
    let routesLocalnet: Bool

    init(_ options: DecodingOptions) {
        isLoopbackDevice = options.isLoopbackDevice
        routesLocalnet = options.routesLocalnet || isLoopbackDevice
    }

    /// Why the packet at `start` is refused; `nil` if it is not.
    func refusal(of bytes: RawSpan, at start: Int) -> MalformedReason? {
        guard bytes.byteCount - start >= 20 else { return nil }
        return bytes.byte(at: start) >> 4 == 4 ? ipv4(bytes, at: start) : ipv6(bytes, at: start)
    }

    // MARK: IPv4

    private func ipv4(_ bytes: RawSpan, at start: Int) -> MalformedReason? {
        let source = bytes.bigEndian32(at: start + 12)
        let destination = bytes.bigEndian32(at: start + 16)
        let headerLength = Int(bytes.byte(at: start) & 0x0f) * 4
        guard bytes.byteCount - start >= headerLength else { return nil }
        if let reason = ipv4Options(bytes, in: start + 20..<start + headerLength) { return reason }
        if source >> 28 == 0xe || source == .max { return .source }
        if destination == .max || source == 0 && destination == 0 { return nil }
        if source >> 24 == 0 {
            // Hosts without an address may speak to 224.0.0.0/24.
            return destination >> 8 == 0xe00000 ? nil : .source
        }
        if destination >> 24 == 0 { return .destination }
        guard !routesLocalnet else { return nil }
        return destination >> 24 == 127 ? .destination : source >> 24 == 127 ? .source : nil
    }

    /// Options have to fit, and source routes are off.
    private func ipv4Options(_ bytes: RawSpan, in range: Range<Int>) -> MalformedReason? {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let type = bytes.byte(at: offset)
            if type == 0 { return nil }
            if type == 1 {
                offset += 1
                continue
            }
            guard range.upperBound - offset >= 2 else { return .ipv4Option }
            let length = Int(bytes.byte(at: offset + 1))
            guard length >= 2, length <= range.upperBound - offset else { return .ipv4Option }
            switch type {
            // Loose and strict source route.
            case 131, 137: return .ipv4Option
            // Record route and time stamp have a pointer; router alert is of four bytes.
            case 7 where length < 3 || bytes.byte(at: offset + 2) < 4: return .ipv4Option
            case 68 where length < 4 || bytes.byte(at: offset + 2) < 5: return .ipv4Option
            case 148 where length < 4: return .ipv4Option
            default: break
            }
            offset += length
        }
        return nil
    }

    // MARK: IPv6

    private func ipv6(_ bytes: RawSpan, at start: Int) -> MalformedReason? {
        guard bytes.byteCount - start >= 40 else { return nil }
        let source = ICMPMessage.address(bytes, at: start + 8, isIPv6: true)
        let destination = ICMPMessage.address(bytes, at: start + 24, isIPv6: true)
        if !isLoopbackDevice {
            if source == .loopbackV6 { return .source }
            if destination == .loopbackV6 { return .destination }
        }
        // An IPv4-mapped source would fool who checks addresses.
        if source.high >> 56 == 0xff || source.isIPv4Mapped { return .source }
        if destination == .anyV6 { return .destination }
        if destination.high >> 56 == 0xff {
            let scope = destination.high >> 48 & 0xf
            if scope == 0 || scope == 1 && !isLoopbackDevice { return .destination }
        }
        return extensionHeaders(bytes, at: start, isMulticast: destination.high >> 56 == 0xff)
    }

    private func extensionHeaders(_ bytes: RawSpan, at start: Int, isMulticast: Bool) -> MalformedReason? {
        var next = bytes.byte(at: start + 6)
        var offset = start + 40
        let first = offset
        while ExtensionHeaders.isWalked(next), bytes.byteCount - offset >= 8 {
            let length = next == 44 ? 8 : 8 + Int(bytes.byte(at: offset + 1)) * 8
            guard bytes.byteCount - offset >= length else { return nil }
            switch next {
            case 0:
                guard offset == first else { return .headerOrder }
                if hasBadOption(bytes, in: offset + 2..<offset + length, isHopByHop: true) { return .ipv6Option }
            case 60:
                if hasBadOption(bytes, in: offset + 2..<offset + length, isHopByHop: false) { return .ipv6Option }
            case 43:
                // Types 2 (mobility), 3 (RPL) and 4 (segments) are off; others pass when they are at their end.
                let isOff = 2...4 ~= bytes.byte(at: offset + 2)
                if isOff || isMulticast || bytes.byte(at: offset + 3) != 0 { return .routingHeader }
            case 135: return .headerOrder
            default:
                // Behind a fragment header of a true fragment comes what only the whole packet tells.
                if bytes.bigEndian16(at: offset + 2) & 0xfff9 != 0 { return nil }
            }
            next = bytes.byte(at: offset)
            offset += length
        }
        return nil
    }

    /// Options as `ip6_parse_tlv` takes them: at most 8 besides padding, no more than 7 bytes of padding at a time,
    /// which are zero; unknown ones by their first two bits.
    private func hasBadOption(_ bytes: RawSpan, in range: Range<Int>, isHopByHop: Bool) -> Bool {
        var offset = range.lowerBound
        var (padding, count) = (0, 0)
        while offset < range.upperBound {
            let type = bytes.byte(at: offset)
            if type == 0 {
                padding += 1
                offset += 1
                if padding > 7 { return true }
                continue
            }
            guard range.upperBound - offset >= 2 else { return true }
            let length = 2 + Int(bytes.byte(at: offset + 1))
            guard length <= range.upperBound - offset else { return true }
            if type == 1 {
                padding += length
                if padding > 7 || (offset + 2..<offset + length).contains(where: { bytes.byte(at: $0) != 0 }) {
                    return true
                }
            } else {
                padding = 0
                count += 1
                if count > 8 || !isKnown(type, length: length, isHopByHop: isHopByHop) && type >> 6 != 0 { return true }
            }
            offset += length
        }
        return false
    }

    /// Whether the option does something: router alert; a jumbo payload is refused elsewhere.
    ///
    /// The home address (201) needs mobility to be set up, and CALIPSO (7) is of the kind that is skipped.
    private func isKnown(_ type: UInt8, length: Int, isHopByHop: Bool) -> Bool {
        isHopByHop && (type == 5 && length == 4 || type == 194)
    }
}
