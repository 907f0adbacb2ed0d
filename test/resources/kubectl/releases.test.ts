import { describeReleases } from '../../real/kubectl/release-stories.ts'

describeReleases()
