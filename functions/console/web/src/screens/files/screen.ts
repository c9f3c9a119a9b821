import { FolderOpen } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/files', label: msg('Files'), icon: FolderOpen, order: 70 },
  routes: [{ path: '/files', load: () => import('./index') }],
});
