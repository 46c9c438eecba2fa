import { expect } from 'chai';

import { configJsonSchema } from '../../../src/config/json-schema.js';
import { laterKeys, SERVED_LEVELS, servedKeys, TOP_LEVEL } from '../../../src/config/levels.js';

describe('the JSON schema of a configuration', () => {
  const text = JSON.stringify(configJsonSchema());

  it('has every key of every level, and no others', () => {
    for (const level of SERVED_LEVELS) {
      for (const key of [...servedKeys(level), ...laterKeys(level)]) expect(text).to.include(`"${key}":`);
    }
    const { properties, additionalProperties } = configJsonSchema();
    expect(properties).to.have.all.keys([...servedKeys(TOP_LEVEL), ...laterKeys(TOP_LEVEL)]);
    expect(additionalProperties).to.equal(false);
  });

  it('marks what is not served yet, inside arrays too', () => {
    expect(configJsonSchema())
      .to.have.nested.property('properties.servers.items.properties.plugin')
      .that.deep.equals({ description: 'Not served yet: A SIP003 plugin.', deprecated: true });
  });
});
