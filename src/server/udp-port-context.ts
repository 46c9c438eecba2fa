/** What the associations of one UDP port of the server share. */

import type { AssociationTable } from '../relay/association-table.js';
import type { RelayContext } from '../relay/context.js';
import type { PacketWorkspace } from '../relay/packet-workspace.js';
import type { ServerPacketProtocol } from '../shadowsocks/packet-protocol.js';
import type { Destinations } from './destinations.js';
import type { UdpAssociation } from './udp-association.js';

export interface UdpPortContext {
  readonly relay: RelayContext;
  readonly packets: PacketWorkspace;
  readonly destinations: Destinations;
  readonly table: AssociationTable;
  readonly answersFrom: ServerPacketProtocol['answersFrom'];
  /** The port's socket, which answers leave from. */
  readonly portFd: number;
  /** An association has ended. */
  readonly forget: (association: UdpAssociation) => void;
}
