import ArgumentParser
import VolleyWire

/// The options that say which rules records are held to.
struct DecodingArguments: ParsableArguments {
    enum Checksums: String, ExpressibleByArgument, CaseIterable { case verify, ignore }
    enum Delivery: String, ExpressibleByArgument, CaseIterable { case lenient, kernel }

    /// A set of tunnels, `vxlan,gre` or `all`.
    struct TunnelSet: ExpressibleByArgument {
        static let names: [(name: String, tunnels: Tunnels)] = [
            ("gre", .gre), ("ipip", .ipInIP), ("vxlan", .vxlan), ("geneve", .geneve), ("gtpu", .gtpU),
            ("teredo", .teredo), ("all", .all),
        ]
        var tunnels: Tunnels = []

        init?(argument: String) {
            for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
                guard let found = Self.names.first(where: { $0.name == word }) else { return nil }
                tunnels.formUnion(found.tunnels)
            }
        }
    }

    @Option(
        help: ArgumentHelp(
            "Whether checksums of IPv4, UDP and ICMP count; unless given, only with --delivery kernel.",
            valueName: "verify|ignore"))
    var checksums: Checksums?

    @Option(
        help: ArgumentHelp(
            "Deliver all that the capture shows, or only what Linux would have.", valueName: "lenient|kernel"))
    var delivery = Delivery.lenient

    @Option(
        help: ArgumentHelp(
            "Look into tunnels: gre, ipip, vxlan, geneve, gtpu, teredo, separated by commas, or all.",
            valueName: "list"))
    var tunnels: TunnelSet?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long fragments wait for the rest of their packet; unless given, for ever, and with --delivery kernel "
                + "30 s over IPv4 and 60 s over IPv6, as in Linux.", valueName: "seconds"))
    var fragmentTimeout: Int64?

    func validate() throws {
        if let fragmentTimeout, !(0...86_400).contains(fragmentTimeout) {
            throw ValidationError("--fragment-timeout must be 0 to 86400.")
        }
    }

    /// The rules.
    var options: DecodingOptions {
        var options = DecodingOptions()
        options.checksums = checksums.map { $0 == .verify ? .verify : .ignore }
        options.delivery = delivery == .kernel ? .kernel : .lenient
        options.tunnels = tunnels?.tunnels ?? []
        options.fragments.timeout = fragmentTimeout.map {
            FragmentTimeout(ipv4Nanoseconds: $0 * 1_000_000_000, ipv6Nanoseconds: $0 * 1_000_000_000)
        }
        return options
    }
}
